//! The instructions and account slots as the committed IDL lists them.

use serde_json::Value;
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

/// One account slot of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The IDL's name.
    pub name: String,
    /// Whether the instruction may change the account.
    pub writable: bool,
    /// Whether the account's key has to sign.
    pub signer: bool,
    /// The only address that fits, where the IDL fixes one.
    pub address: Option<Pubkey>,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstructionShape {
    /// The IDL's name.
    pub name: String,
    /// The first bytes of its data.
    pub discriminator: Vec<u8>,
    /// Its account slots, in order.
    pub slots: Vec<Slot>,
}

/// Every instruction of an IDL in Anchor's JSON.
pub fn instructions(idl: &str) -> Vec<InstructionShape> {
    let idl: Value = serde_json::from_str(idl).expect("the IDL is JSON");
    list(&idl["instructions"]).iter().map(shape).collect()
}

fn shape(instruction: &Value) -> InstructionShape {
    InstructionShape {
        name: text(&instruction["name"]),
        discriminator: list(&instruction["discriminator"])
            .iter()
            .map(|byte| u8::try_from(byte.as_u64().expect("a number")).expect("a byte"))
            .collect(),
        slots: list(&instruction["accounts"]).iter().map(slot).collect(),
    }
}

fn slot(account: &Value) -> Slot {
    // A group of accounts would hide its slots from the generation.
    assert!(account.get("accounts").is_none(), "nested accounts");
    Slot {
        name: text(&account["name"]),
        writable: account["writable"].as_bool().unwrap_or(false),
        signer: account["signer"].as_bool().unwrap_or(false),
        address: account["address"]
            .as_str()
            .map(|address| address.parse().expect("an address")),
    }
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a name").to_owned()
}

/// The instance's accounts are what the IDL says, in its order.
pub(super) fn require_shape(instruction: &Instruction, shape: &InstructionShape) {
    let name = &shape.name;
    assert!(
        instruction.data.starts_with(&shape.discriminator),
        "{name}: another instruction"
    );
    assert_eq!(
        instruction.accounts.len(),
        shape.slots.len(),
        "{name}: other slots than the IDL's"
    );
    for (meta, slot) in instruction.accounts.iter().zip(&shape.slots) {
        assert_eq!(
            (meta.is_writable, meta.is_signer),
            (slot.writable, slot.signer),
            "{name}.{}: other flags than the IDL's",
            slot.name
        );
        assert!(
            slot.address.is_none_or(|address| address == meta.pubkey),
            "{name}.{}: another address than the IDL's",
            slot.name
        );
    }
}
