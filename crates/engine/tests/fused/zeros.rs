//! Where products skip zeros.

use crate::case::Case;
use crate::data::Kind;
use crate::passes::networks;
use serde_json::json;

#[test]
fn the_networks_of_one_pass_take_every_way_through_first_and_later_layers() {
    let mut ways = Vec::new();
    for (features, hidden, classes) in networks() {
        for kind in Kind::ALL {
            let case = Case::new(&json!({ "hidden": hidden, "dropout": 0.5 }), (230, features, classes, kind));
            let mut fused = case.fused();
            fused.gradients(&case.examples, &case.rows(0, 200)).unwrap();
            ways.extend(fused.uses().iter().enumerate().map(|(layer, layer_use)| (layer > 0, layer_use.skips_zeros)));
        }
    }
    let all = [(false, false), (false, true), (true, false), (true, true)];
    assert!(all.iter().all(|way| ways.contains(way)), "first and later layers both with and without zeros to skip");
}
