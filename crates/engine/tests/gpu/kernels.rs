//! Each kernel by itself: what a GPU is checked by first.

use crate::step::gpu;
use relumine_kernels::gpu::{Order, check_kernels};

#[test]
fn every_kernel_gives_what_the_cpu_gives() {
    for order in [Order::Forward, Order::Backward] {
        let checks = check_kernels(gpu(order).as_ref()).unwrap();
        let wrong: Vec<_> = checks.iter().filter(|check| !check.is_right()).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(checks.len() > 200 && checks.iter().all(|check| check.values > 0), "{} checks", checks.len());
    }
}
