//! Reading bytes by the kept IDL alone, as a client in another language would.

use serde_json::{Map, Value, json};
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;
use tollgate_program_tests::rehearsal::IDL;

/// The types of the IDL.
pub struct Schema {
    /// The whole IDL.
    pub idl: Value,
    types: BTreeMap<String, Value>,
}

impl Schema {
    /// Of the kept IDL.
    pub fn kept() -> Self {
        let idl: Value = serde_json::from_str(IDL).unwrap();
        let types = list(&idl["types"])
            .iter()
            .map(|entry| (text(&entry["name"]), entry["type"].clone()))
            .collect();
        Self { idl, types }
    }

    /// Names and discriminators of a section, such as `events`.
    pub fn discriminators(&self, section: &str) -> BTreeMap<String, Vec<u8>> {
        list(&self.idl[section])
            .iter()
            .map(|entry| {
                let bytes = list(&entry["discriminator"])
                    .iter()
                    .map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap())
                    .collect();
                (text(&entry["name"]), bytes)
            })
            .collect()
    }

    /// The value of the named type at the front of `bytes`, which moves behind it.
    pub fn read(&self, name: &str, bytes: &mut &[u8]) -> Result<Value, String> {
        let definition = self.definition(name);
        match definition["kind"].as_str() {
            Some("type") => self.read_type(&definition["alias"], bytes),
            Some("struct") => self.read_fields(&definition["fields"], bytes),
            Some("enum") => {
                let variants = list(&definition["variants"]);
                let tag = usize::from(take::<1>(bytes)?[0]);
                let variant = variants
                    .get(tag)
                    .ok_or_else(|| format!("{name} has no variant {tag}"))?;
                let fields = self.read_fields(&variant["fields"], bytes)?;
                Ok(json!({ text(&variant["name"]): fields }))
            }
            kind => Err(format!("{name} is of unknown kind {kind:?}")),
        }
    }

    fn read_fields(&self, fields: &Value, bytes: &mut &[u8]) -> Result<Value, String> {
        let mut values = Map::new();
        for (position, field) in fields.as_array().into_iter().flatten().enumerate() {
            let (name, ty) = named(field, position);
            values.insert(name, self.read_type(ty, bytes)?);
        }
        Ok(Value::Object(values))
    }

    fn read_type(&self, ty: &Value, bytes: &mut &[u8]) -> Result<Value, String> {
        if let Some(name) = defined(ty) {
            return self.read(name, bytes);
        }
        if let Some(inner) = ty.get("option") {
            return match take::<1>(bytes)?[0] {
                0 => Ok(Value::Null),
                1 => self.read_type(inner, bytes),
                tag => Err(format!("an option with tag {tag}")),
            };
        }
        if let Some(array) = ty.get("array") {
            let length = array[1].as_u64().unwrap();
            let items = (0..length).map(|_| self.read_type(&array[0], bytes));
            return items.collect::<Result<Vec<_>, _>>().map(Value::Array);
        }
        Ok(match ty.as_str() {
            Some("bool") => match take::<1>(bytes)?[0] {
                0 => json!(false),
                1 => json!(true),
                byte => return Err(format!("a bool of {byte}")),
            },
            Some("u8") => json!(take::<1>(bytes)?[0]),
            Some("u16") => json!(u16::from_le_bytes(take(bytes)?)),
            Some("u32") => json!(u32::from_le_bytes(take(bytes)?)),
            Some("u64") => json!(u64::from_le_bytes(take(bytes)?)),
            Some("i64") => json!(i64::from_le_bytes(take(bytes)?)),
            Some("pubkey") => json!(Pubkey::new_from_array(take(bytes)?).to_string()),
            _ => return Err(format!("unknown type {ty}")),
        })
    }

    /// The most bytes that a value of the type can have.
    pub fn longest(&self, ty: &Value) -> usize {
        if let Some(name) = defined(ty) {
            let definition = self.definition(name);
            return match definition["kind"].as_str() {
                Some("type") => self.longest(&definition["alias"]),
                Some("struct") => self.longest_fields(&definition["fields"]),
                Some("enum") => {
                    let variants = list(&definition["variants"]).iter();
                    let fields = variants.map(|variant| self.longest_fields(&variant["fields"]));
                    1 + fields.max().unwrap()
                }
                kind => panic!("{name} is of unknown kind {kind:?}"),
            };
        }
        if let Some(inner) = ty.get("option") {
            return 1 + self.longest(inner);
        }
        if let Some(array) = ty.get("array") {
            let length = usize::try_from(array[1].as_u64().unwrap()).unwrap();
            return length * self.longest(&array[0]);
        }
        match ty.as_str() {
            Some("bool" | "u8") => 1,
            Some("u16") => 2,
            Some("u32") => 4,
            Some("u64" | "i64") => 8,
            Some("pubkey") => 32,
            _ => panic!("unknown type {ty}"),
        }
    }

    fn longest_fields(&self, fields: &Value) -> usize {
        let fields = fields.as_array().into_iter().flatten().enumerate();
        fields
            .map(|(position, field)| self.longest(named(field, position).1))
            .sum()
    }

    /// Paths of all numbers within a type, each with the name of its alias, or of
    /// the plain type where it has none.
    pub fn numbers(&self, ty: &Value, path: &str) -> Vec<(String, String)> {
        let fields = |fields: &Value, path: &str| -> Vec<(String, String)> {
            let fields: Vec<_> = fields.as_array().into_iter().flatten().collect();
            let tuple = fields.iter().all(|field| field.get("name").is_none());
            fields
                .iter()
                .enumerate()
                .flat_map(|(position, field)| {
                    let (name, ty) = named(field, position);
                    let path = if tuple {
                        path.to_owned()
                    } else {
                        format!("{path}.{name}")
                    };
                    self.numbers(ty, &path)
                })
                .collect()
        };
        if let Some(name) = defined(ty) {
            let definition = self.definition(name);
            return match definition["kind"].as_str() {
                Some("type") if is_number(&definition["alias"]) => {
                    vec![(path.to_owned(), name.to_owned())]
                }
                Some("struct") => fields(&definition["fields"], path),
                Some("enum") => list(&definition["variants"])
                    .iter()
                    .flat_map(|variant| {
                        let path = format!("{path}.{}", text(&variant["name"]));
                        fields(&variant["fields"], &path)
                    })
                    .collect(),
                _ => Vec::new(),
            };
        }
        match ty.get("option") {
            Some(inner) => self.numbers(inner, path),
            None if is_number(ty) => vec![(path.to_owned(), text(ty))],
            None => Vec::new(),
        }
    }

    fn definition(&self, name: &str) -> &Value {
        self.types
            .get(name)
            .unwrap_or_else(|| panic!("the IDL does not define {name}"))
    }
}

fn is_number(ty: &Value) -> bool {
    matches!(ty.as_str(), Some("u8" | "u16" | "u32" | "u64" | "i64"))
}

/// The name of a type that is defined elsewhere in the IDL.
fn defined(ty: &Value) -> Option<&str> {
    ty.get("defined")?["name"].as_str()
}

fn named(field: &Value, position: usize) -> (String, &Value) {
    match field.get("name") {
        Some(name) => (text(name), &field["type"]),
        None => (position.to_string(), field),
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], String> {
    let (taken, rest) = bytes
        .split_first_chunk::<N>()
        .ok_or_else(|| format!("{} bytes where {N} are needed", bytes.len()))?;
    *bytes = rest;
    Ok(*taken)
}

/// A list of the IDL.
pub fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

/// A text of the IDL.
pub fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
