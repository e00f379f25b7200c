//! Where the runtime enters the program.

use anchor_lang::prelude::*;
use anchor_lang::solana_program::entrypoint::{
    custom_heap_default, custom_panic_default, deserialize_into, SUCCESS,
};
use core::mem::MaybeUninit;

/// More accounts than any instruction names; a frame of the stack holds 4 KiB.
const MOST_ACCOUNTS: usize = 32;

/// Anchor's own entrypoint collects the accounts in a list on the heap and drops them
/// one by one; this one writes them to the stack, which every payment saves
/// (benches/README.md).
///
/// # Safety
/// `input` is what the runtime passes: the serialised accounts and instruction.
#[no_mangle]
pub unsafe extern "C" fn entrypoint(input: *mut u8) -> u64 {
    let mut accounts = [const { MaybeUninit::<AccountInfo<'_>>::uninit() }; MOST_ACCOUNTS];
    // SAFETY: the runtime wrote `input`. The function panics on more accounts than fit.
    let (program_id, count, data) = unsafe { deserialize_into(input, &mut accounts) };
    // SAFETY: the function has written the first `count` accounts, and `MaybeUninit`
    // has the layout of what it holds. Nothing drops them: the instruction ends first.
    let accounts = unsafe { &*(&raw const accounts[..count] as *const [AccountInfo<'_>]) };
    match crate::entry(program_id, accounts, data) {
        Ok(()) => SUCCESS,
        Err(error) => error.into(),
    }
}

custom_heap_default!();
custom_panic_default!();
