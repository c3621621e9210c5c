//! tmp
#![allow(clippy::all)]
use candle_core::Device;
use relumine_engine::*;
use relumine_model::ModelConfig;
use std::time::Instant;
fn best(n: usize, mut f: impl FnMut()) -> f64 { let mut t: Vec<f64> = (0..n).map(|_| { let s = Instant::now(); f(); s.elapsed().as_secs_f64()*1e3 }).collect(); t.sort_by(f64::total_cmp); t[n/50] }
fn main() {
    let byte = |i: usize| { let noise = (i + 1).wrapping_mul(2_654_435_761) % 10_007; if noise % 100 < 19 { (noise % 255) as u8 + 1 } else { 0 } };
    let examples = Examples::new(FeatureBuffer::U8((0..12800 * 784).map(byte).collect()), &[784], (0..12800u32).map(|r| r*7%10).collect(), &[0.0], &[255.0], &Device::Cpu).unwrap();
    let rows: Vec<u32> = (0..12800).collect();
    for dropout in [0.0, 0.5] { for threads in [1, 2] {
        let a = ModelConfig { dropout, ..ModelConfig::default() }.architecture(784, 10).unwrap();
        let mut s = FusedStep::new(&a, &TrainingConfig { threads, ..TrainingConfig::default() }, &Device::Cpu).unwrap();
        let step = best(1500, || s.train(&examples, &rows[..128]).unwrap());
        let probe = best(300, || { s.probe(&examples, &rows[..256]).unwrap(); });
        let note = best(300, || { s.note_weights().unwrap(); });
        println!("dropout {dropout} threads {threads}: step {step:.3} ms probe {probe:.3} note {note:.3} => {:.2} steps", (probe+note)/step);
    }}
    let p = s_values(784*256); let z: Vec<f32> = p.iter().map(|x| x.max(0.0)).collect();
    println!("distribution of 200704: {:.3} ms, half zero {:.3}", best(300, || { std::hint::black_box(Distribution::of(&p)); }), best(300, || { std::hint::black_box(Distribution::of(&z)); }));
}
fn s_values(n: usize) -> Vec<f32> { (0..n).map(|i| { let u = |k: usize| (((i*4+k).wrapping_mul(0x9E3779B97F4A7C15) >> 40) as f32) / 16777216.0; (u(0)+u(1)+u(2)+u(3)-2.0)*0.01 }).collect() }
