//! A YAML mapping, key by key: each is read in the types that it may have, and the ones that nobody reads are unknown.

use serde_json::{Map, Value};

use crate::notes::Notes;

/// Bytes of a YAML file that anybody wrote by hand.
const MOST_BYTES: usize = 256 * 1024;

/// The keys of one mapping.
pub struct Keys {
    path: String,
    map: Map<String, Value>,
}

impl Keys {
    /// Reads a file; one that is no mapping is an error. An empty one has no keys.
    pub fn read(path: &str, text: &str, notes: &mut Notes) -> Option<Self> {
        if text.len() > MOST_BYTES {
            notes.error(path, "is too large for a file of settings");
            return None;
        }
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Some(Self { path: path.to_owned(), map: Map::new() });
        }
        match serde_saphyr::from_str::<Value>(text) {
            Ok(Value::Object(map)) => Some(Self { path: path.to_owned(), map }),
            Ok(Value::Null) => Some(Self { path: path.to_owned(), map: Map::new() }),
            Ok(_) => {
                notes.error(path, "must be a mapping of keys to values");
                None
            }
            Err(error) => {
                let why: String = error.to_string().lines().next().unwrap_or_default().chars().take(200).collect();
                notes.error(path, format!("is not valid YAML: {why}"));
                None
            }
        }
    }

    /// A mapping that was read already.
    pub fn of(path: &str, map: Map<String, Value>) -> Self {
        Self { path: path.to_owned(), map }
    }

    /// Of a mapping inside.
    pub fn inside(&mut self, key: &str, notes: &mut Notes) -> Option<Self> {
        match self.map.remove(key)? {
            Value::Object(map) => Some(Self { path: self.path.clone(), map }),
            Value::Null => None,
            _ => {
                notes.error(&self.path, format!("{key} must be a mapping"));
                None
            }
        }
    }

    /// The file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value of a key, whatever it is.
    pub fn any(&mut self, key: &str) -> Option<Value> {
        self.map.remove(key).filter(|value| !value.is_null())
    }

    /// A text; numbers and truth values are as they are written.
    pub fn text(&mut self, key: &str, notes: &mut Notes) -> Option<String> {
        let value = self.any(key)?;
        let text = scalar(&value);
        if text.is_none() {
            notes.error(&self.path, format!("{key} must be a text"));
        }
        text
    }

    /// A number that is not below 0.
    pub fn number(&mut self, key: &str, notes: &mut Notes) -> Option<f64> {
        let value = self.any(key)?;
        let number = scalar(&value).and_then(|text| text.trim().parse::<f64>().ok());
        let number = number.filter(|n| n.is_finite() && (0.0..=1e12).contains(n));
        if number.is_none() {
            notes.error(&self.path, format!("{key} must be a number from 0 on"));
        }
        number
    }

    /// A truth value.
    pub fn flag(&mut self, key: &str, notes: &mut Notes) -> Option<bool> {
        if let Value::Bool(flag) = self.any(key)? {
            return Some(flag);
        }
        notes.error(&self.path, format!("{key} must be true or false"));
        None
    }

    /// Texts: a list of them, or one alone.
    pub fn texts(&mut self, key: &str, notes: &mut Notes) -> Option<Vec<String>> {
        let value = self.any(key)?;
        let texts = match &value {
            Value::Array(items) => items.iter().map(scalar).collect(),
            one => scalar(one).map(|text| vec![text]),
        };
        if texts.is_none() {
            notes.error(&self.path, format!("{key} must be a list of texts"));
        }
        texts
    }

    /// The keys that are left, taken.
    pub fn take_rest(&mut self) -> Vec<String> {
        std::mem::take(&mut self.map).into_iter().map(|(key, _)| key).collect()
    }

    /// The mapping itself.
    pub fn into_map(self) -> Map<String, Value> {
        self.map
    }

    /// Nothing else may be there.
    pub fn done(mut self, notes: &mut Notes) {
        for key in self.take_rest() {
            let key: String = key.chars().take(60).collect();
            notes.error(&self.path, format!("the key {key:?} is none of the format's"));
        }
    }
}

/// What a scalar is written as.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
