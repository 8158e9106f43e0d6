// The frozen hashes of tasks/scenes. A change here is a numerics change: it stands in CHANGELOG.md.
#pragma once

namespace spikelane::test {

struct FrozenHashes {
  const char *scene, *state, *scores;
};

// clang-format off
inline constexpr FrozenHashes kFrozenHashes[] = {
    {"3_4_10", "9ec90ad9c8fffe85", "5decc06858e52ac6"},
    {"10_64_10", "43a7de2e05278ded", "cb5d08193cbcd876"},
    {"codes_up_to_32", "7d8656362acc9a0f", "d3a79da27b6438c9"},
    {"codes_too_many", "8c32dc832c1f9406", "90fc63170176cdaa"},
    {"codes_of_some_tiles", "dc9f9668d2287ffb", "72080b9662dfd5d3"},
    {"inputs_31", "98b04134650ede18", "710356004ee28ac4"},
    {"inputs_33", "4f5dac77f3fa0414", "fcda87998f0bc0de"},
    {"deep_codes", "98da8aaef21a54b1", "1399e3d207622ce9"},
    {"deep_lists", "c8e67c9c5ba3c348", "531ad9e4d96efd71"},
    {"layer_and_readout", "e03b63060638783a", "5890b462d801f5ec"},
    {"one_step", "96b7941716209cb2", "1e9ad8ef5405dde0"},
    {"beta_0_and_1", "984a67c384a36e70", "239fbb3b0331ad32"},
    {"reset_subtract_delayed", "2dff9da265ea1872", "e10391aa48e752b9"},
    {"reset_subtract_now", "015f40e905b4732f", "73084314704fa93e"},
    {"reset_zero_delayed", "c87a639cfebd9ea7", "7a803b6e5b732ee7"},
    {"reset_zero_now", "eadcfa4a6a26c4fb", "79c1b54056f7e445"},
    {"reset_none_delayed", "01c2ecf0a98ab92a", "6acde0c60fb2c112"},
    {"reset_none_now", "5c45460574b663c2", "49b529fc0b3cc092"},
    {"vectors", "af35c804f4ac0bac", "7bffd97a212d8701"},
    {"leaky_final", "274e34d1cd914137", "e29ff74c418f24bb"},
    {"readout_kappas_bias_final", "f1e101df44e868ae", "ac96fba8541a18be"},
    {"readout_final", "c895d439fb21f987", "3a1d38b410e468fe"},
    {"leaky_max", "4b94f6a0a6594841", "d024d82efc990b96"},
    {"readout_kappas_bias_max", "9793c53d4e521966", "661198579c65a242"},
    {"readout_max", "e7a9fa7c3e0a5883", "75936f84bbb7f70d"},
    {"leaky_mean", "cbff959eb9d34eaa", "897f617dc680e35a"},
    {"readout_kappas_bias_mean", "cdf7aa88e0148cb6", "21ce3656f0db56cf"},
    {"readout_mean", "8ae934ac9112301c", "68dcb289fce68ec8"},
    {"leaky_mean_window", "3aa05994cc2f35aa", "d72516ee11f5b499"},
    {"readout_kappas_bias_mean_window", "be0337e5fded168c", "a44eeae4315c8be9"},
    {"readout_mean_window", "4edf717a4981d8e9", "f49981aa394da896"},
    {"leaky_first_spike", "941f40e38419caf8", "b1f17e174f1da481"},
    {"loss_hinge", "54379a0bec01a11b", "420ac31f06605ef9"},
    {"loss_squared", "3f0efbbc0897096d", "df9caaeaae1ad166"},
    {"recurrent", "194d90179807d0f7", "b38a0a281d05cf24"},
    {"feedback", "b187e026783b0468", "c5b1047eb0d1b786"},
    {"many_projections", "b893fe3d62a75d49", "9cb1cd8961840aec"},
    {"input_to_readout", "1f590a16b33f0208", "1bd9c91450098009"},
    {"dense", "6fab138c802130c7", "ac2f79ab60d2e79d"},
    {"dense_recurrent", "a9d7dc7fad84e128", "c021a969b3e54ccb"},
    {"tiny_values", "8897e5ecfb854957", "acf11c7782a62bc7"},
    {"tiny_values_recurrent", "bf3ce0e9fd8365aa", "688966419dac295c"},
    {"size_1", "8fe7cad1e3f7c2fe", "db859a295f21d69e"},
    {"size_1_recurrent", "5bb3ce18f01435a6", "207acd6b2b176455"},
    {"size_15", "fa7f19906ffc7356", "e79387709f917157"},
    {"size_15_recurrent", "d0fafc21ae947461", "391d94c97650323a"},
    {"size_16", "54bef817e0903853", "b7399924ad53903b"},
    {"size_16_recurrent", "7105ef534c82aa70", "dd1df9d581304a13"},
    {"size_31", "abec3d3eea7228ef", "786e510acae6182f"},
    {"size_31_recurrent", "ae578080fec98006", "631cbb8ba0b2198f"},
    {"size_32", "c9c9ec3453a5e6e3", "28d663618d358cb2"},
    {"size_32_recurrent", "a51df61e43138dc4", "6fe23820f061cd84"},
    {"size_33", "2e00f8794bc39e08", "322e8ae17770f7aa"},
    {"size_33_recurrent", "c7521459249f6130", "b99a7ac325c19c67"},
    {"size_65", "c6b1407b08438290", "811f80b9ca146dcb"},
    {"size_65_recurrent", "21ebc1f9ff3c6a7d", "7a515ff85335c844"},
    {"size_130", "1604adf573ea330e", "ef1ca2fca2db0be9"},
    {"size_130_recurrent", "fa931ae00e09673b", "dd500e9d5259d0da"},
    {"size_161", "11021b02107ee193", "76a246dbf9f1e159"},
    {"size_161_recurrent", "0f1b68302bd4ea90", "e2c80919efef191d"},
};
// clang-format on

}  // namespace spikelane::test
