// The frozen hashes of tasks/scenes. A change here is a numerics change: it stands in CHANGELOG.md.
#pragma once

namespace spikelane::test {

struct FrozenHashes {
  const char *scene, *state, *scores;
};

// clang-format off
inline constexpr FrozenHashes kFrozenHashes[] = {
    {"3_4_10", "6a856478c56f053a", "acfbc7a2b9f9f169"},
    {"10_64_10", "cf170efc4b2417de", "acb8c22976723605"},
    {"codes_up_to_32", "bb75aa07d04cadf4", "ce71357e4a0e10a8"},
    {"codes_too_many", "a0949b2594555ef3", "74502371b1bc4aac"},
    {"codes_of_some_tiles", "ad7cb5d3c6af90e5", "5fb890b7439d3f71"},
    {"inputs_31", "3cad6fee762ed6fd", "8629fb7d18e01cfc"},
    {"inputs_33", "079803d583fa2278", "fed4ad4d405a5d9f"},
    {"deep_codes", "7302e648206045f6", "695a33e046b61b89"},
    {"deep_lists", "676b2e655ef2782c", "62e0108700a1f4ed"},
    {"layer_and_readout", "2283a1dc5d8cd4c2", "ad3444bc09393783"},
    {"one_step", "223aca60b454643b", "31e0616ba02352cd"},
    {"beta_0_and_1", "58104d30b03ef777", "acd2d6570c0c5d4c"},
    {"reset_subtract_delayed", "e485afc29dc1ae7b", "52c9e7d04f70c79f"},
    {"reset_subtract_now", "a6a93b0ebd9863fc", "c1e2f7fc8bef7ef4"},
    {"reset_zero_delayed", "873b3dd4c9d42e24", "02e8deefe1d46a71"},
    {"reset_zero_now", "27a9e7c8ddf06eba", "091d15253bafde16"},
    {"reset_none_delayed", "e25f226bf93a6be4", "82cd8e9c52f38d03"},
    {"reset_none_now", "f6aec8a7cfdee660", "41a5ff6099218b28"},
    {"vectors", "e727ce81708fad24", "705738a98739aac4"},
    {"leaky_final", "afe20edc6ca75bf7", "b1ca2dd5ed4496e5"},
    {"readout_kappas_bias_final", "976237e2f4c047dd", "e450008a89402d4c"},
    {"readout_final", "d60483fb2fbddee5", "514195b6859d960d"},
    {"leaky_max", "5dbcc43c37ab2481", "e505c541f997465d"},
    {"readout_kappas_bias_max", "fdf39521f9edf301", "682c5cee895a0ded"},
    {"readout_max", "4d910f6d79c61d81", "59a7263c7b05f1ec"},
    {"leaky_mean", "7b10ffe23106deaf", "70598f3d1c6629dc"},
    {"readout_kappas_bias_mean", "1390ff4a850cfeaf", "0c106ba893f4b6bf"},
    {"readout_mean", "30e0813a9b74939c", "bd3602d60c35c183"},
    {"leaky_mean_window", "dede2a571830ad1d", "cbfeb00d3e3dcf0e"},
    {"readout_kappas_bias_mean_window", "490999c9b70b9f67", "0ff1d7d5804d5df1"},
    {"readout_mean_window", "289c093c90af973a", "ae1df32c51e88137"},
    {"leaky_first_spike", "b043471543c4d221", "083d3f8d65d27c18"},
    {"loss_hinge", "d9c8258d2eba67f7", "156d52c315062c58"},
    {"loss_squared", "c89d223032768c78", "7b51c6f7a047df4b"},
    {"recurrent", "dfc8d6a049e431a3", "2f16bfd044ff9968"},
    {"feedback", "7da0243fcb1413a7", "eec70b9303c9859c"},
    {"many_projections", "8bccc7433cf4f251", "1fb4ab880d163785"},
    {"input_to_readout", "d2a796ff9319ead6", "ce159c9caa9481cd"},
    {"dense", "9ce6b4c2795dcf53", "cfe714fa8478bdf1"},
    {"dense_recurrent", "ab6e2941c91d35e5", "ed00a513dc82e9cb"},
    {"tiny_values", "3381d6e2bc49389f", "f073d20ad05ddd31"},
    {"tiny_values_recurrent", "b166df802fef9306", "4b3a1470ea610a8c"},
    {"size_1", "1fa7e3df80689ed6", "e0622a4d20bbf687"},
    {"size_1_recurrent", "4ca15a098d92f82d", "e25b394ecca7617e"},
    {"size_15", "452cab7ce1885e9e", "f55aeea834723f7c"},
    {"size_15_recurrent", "401877fd068275e2", "4eac9387dc5dbfeb"},
    {"size_16", "e2fd143d62b15acf", "c60ae7b14254de24"},
    {"size_16_recurrent", "8910d2c8866fedcd", "5927573efcd1996c"},
    {"size_31", "3b289f527c3c7484", "3d1acc499ad7cf05"},
    {"size_31_recurrent", "f9bb042b98e1f34d", "b870fcbd346842dc"},
    {"size_32", "2fd9e7afd992f9b0", "6ee1ed5b8fafe6b8"},
    {"size_32_recurrent", "daea02ab606c16ea", "992d03b65fe1f451"},
    {"size_33", "34dae940936a2ea4", "49c3b8b143ef0e2f"},
    {"size_33_recurrent", "8349e608e2cd8dc0", "74fa15f6a1abd534"},
    {"size_65", "c3dc3a68352eddb6", "8f88be710dd6bf52"},
    {"size_65_recurrent", "903d5b8d8f616b34", "eba668a8cb991d4d"},
    {"size_130", "c53aead5db5384e8", "a47e81ef8fa098ef"},
    {"size_130_recurrent", "fba5cd9c40910343", "b6ffe5a45cb75f1d"},
    {"size_161", "1733eab9b40c5565", "9bd5b3f6b2c415b0"},
    {"size_161_recurrent", "729256f6d4df0b63", "2f3fb567344d1d48"},
    {"kappa_0", "0524ee62d629fa22", "338f3e40c5a8eb05"},
    {"kappa_0_recurrent", "20c75abdf317f642", "efc820c41dcd8144"},
};
// clang-format on

}  // namespace spikelane::test
