//! tmp
use qp_plonky2_core::poseidon::Poseidon;
use qp_plonky2_field::{
    goldilocks_field::GoldilocksField,
    types::{Field, PrimeField64},
};
use std::time::Instant;
use zkevm_state_tree::{
    H4,
    poseidon::{Backend, hash_many_on},
};
fn main() {
    let inputs: Vec<[u64; 12]> =
        (0..128u64).map(|i| std::array::from_fn(|j| i.wrapping_mul(0x9e3779b97f4a7c15) >> j)).collect();
    let mut out = vec![H4::ZERO; inputs.len()];
    let b = Backend::available();
    let mut times = vec![Vec::new(); b.len() + 1];
    for _ in 0..2001 {
        for (k, backend) in b.iter().enumerate() {
            let t = Instant::now();
            hash_many_on(*backend, &inputs, &mut out);
            times[k].push(t.elapsed().as_nanos() as u64 / inputs.len() as u64);
        }
        let t = Instant::now();
        for (i, o) in inputs.iter().zip(&mut out) {
            let s = GoldilocksField::poseidon(i.map(GoldilocksField::from_noncanonical_u64));
            *o = H4(std::array::from_fn(|e| s[e].to_canonical_u64()));
        }
        times[b.len()].push(t.elapsed().as_nanos() as u64 / inputs.len() as u64);
    }
    for t in &mut times {
        t.sort();
    }
    let base = times[b.len()][200] as f64;
    for (k, t) in times.iter().enumerate() {
        println!(
            "{:8} min {} p10 {} median {} ratio {:.3}",
            if k < b.len() { b[k].name() } else { "qp" },
            t[0],
            t[200],
            t[1000],
            t[200] as f64 / base
        );
    }
}
