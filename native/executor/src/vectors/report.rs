//! What comparing a vector gave.

use super::exception;
use serde::Serialize;

/// How a field compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As expected.
    Matched,
    /// Not as expected.
    Mismatched,
    /// Not as expected, and no implementation can: see [`super::exception`].
    Unreproducible,
}

/// A compared field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldReport {
    /// The field.
    pub field: &'static str,
    /// How it compares.
    pub verdict: Verdict,
    /// What the vector says.
    pub expected: String,
    /// What the execution gave.
    pub actual: String,
    /// Why it cannot be reproduced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// A vector's comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VectorReport {
    /// Name of the vector.
    pub name: String,
    /// Its fields; those the vector does not give are left out.
    pub fields: Vec<FieldReport>,
    /// Why it could not be executed at all.
    pub error: Option<String>,
}

impl VectorReport {
    pub(super) fn new(name: String) -> Self {
        Self { name, fields: Vec::new(), error: None }
    }

    pub(super) fn failed(name: String, error: String) -> Self {
        Self { name, fields: Vec::new(), error: Some(error) }
    }

    pub(super) fn check(&mut self, field: &'static str, expected: &str, actual: &str) {
        let exception = if expected == actual { None } else { exception(&self.name, field) };
        let verdict = match exception {
            _ if expected == actual => Verdict::Matched,
            Some(_) => Verdict::Unreproducible,
            None => Verdict::Mismatched,
        };
        self.fields.push(FieldReport {
            field,
            verdict,
            expected: expected.to_owned(),
            actual: actual.to_owned(),
            reason: exception.map(|exception| exception.reason),
        });
    }

    /// Whether every field is as expected or known to be unreproducible.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.error.is_none() && self.fields.iter().all(|field| field.verdict != Verdict::Mismatched)
    }
}
