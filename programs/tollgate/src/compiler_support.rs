//! The 128-bit multiplication that LLVM calls for checked `u64` products.
//!
//! LLVM expects the result of `__multi3` in a register pair; the compiler's own
//! C calling convention for this target returns it through a hidden pointer, so
//! the library version would write to a small address. "unadjusted" is LLVM's
//! convention itself.

// Named so that it is linked: memory functions and soft floating point.
use solana_compiler_builtins as _;

/// Low half of a 64-bit word.
const LOW: u64 = 0xffff_ffff;

/// Multiplies by 32-bit halves: a 128-bit multiplication here would call itself.
#[no_mangle]
pub extern "unadjusted" fn __multi3(left: i128, right: i128) -> i128 {
    let (left_low, left_high) = (left as u64, (left >> 64) as u64);
    let (right_low, right_high) = (right as u64, (right >> 64) as u64);

    let low_low = (left_low & LOW).wrapping_mul(right_low & LOW);
    let low_high = (left_low & LOW).wrapping_mul(right_low >> 32);
    let high_low = (left_low >> 32).wrapping_mul(right_low & LOW);
    let high_high = (left_low >> 32).wrapping_mul(right_low >> 32);

    let carry = (low_low >> 32)
        .wrapping_add(low_high & LOW)
        .wrapping_add(high_low & LOW);
    let low = (low_low & LOW) | (carry << 32);
    let high = high_high
        .wrapping_add(low_high >> 32)
        .wrapping_add(high_low >> 32)
        .wrapping_add(carry >> 32)
        .wrapping_add(left_low.wrapping_mul(right_high))
        .wrapping_add(left_high.wrapping_mul(right_low));
    ((high as i128) << 64) | low as i128
}
