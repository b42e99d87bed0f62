//! The tables, and the key that the credentials are encrypted with. What the items are is told in the core's `keys.rs`.

use serde_json::{Value, json};

use crate::parameters::IS_PROTECTED;
use crate::template::{Named, Resource, either, named};

/// One table.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its name after the stack's.
    pub(crate) name: &'static str,
    /// Its logical id.
    pub(crate) logical: &'static str,
    keys: Keys,
    lifetime: Lifetime,
}

#[derive(Debug, Clone, Copy)]
enum Keys {
    Partition,
    PartitionAndSort,
}

#[derive(Debug, Clone, Copy)]
enum Lifetime {
    UntilDeleted,
    Expiring,
}

/// Job rows and wake-ups.
pub(crate) const JOBS: Table =
    Table { name: "jobs", logical: "JobsTable", keys: Keys::PartitionAndSort, lifetime: Lifetime::Expiring };
/// Where each job's row is.
pub(crate) const REGISTRATIONS: Table = Table {
    name: "registrations",
    logical: "RegistrationsTable",
    keys: Keys::PartitionAndSort,
    lifetime: Lifetime::UntilDeleted,
};
/// Cursors, pauses, throttles.
pub(crate) const CONTROL: Table =
    Table { name: "control", logical: "ControlTable", keys: Keys::Partition, lifetime: Lifetime::Expiring };
/// Tokens, encrypted by us: the table itself is encrypted with a key of DynamoDB's, which costs no call.
pub(crate) const CREDENTIALS: Table = Table {
    name: "credentials",
    logical: "CredentialsTable",
    keys: Keys::PartitionAndSort,
    lifetime: Lifetime::UntilDeleted,
};

/// Every table.
pub(crate) const ALL: [&Table; 4] = [&JOBS, &REGISTRATIONS, &CONTROL, &CREDENTIALS];

/// The key of the credentials.
pub(crate) const KEY: &str = "CredentialsKey";
/// What every use of the key must say: a ciphertext of another use does not decrypt.
pub(crate) const ENCRYPTION_CONTEXT: (&str, &str) = ("pollwheel", "credentials");

/// Tables and key.
///
/// A stack must not take its data with it by accident: the tables refuse deletion until an update says otherwise. Then
/// they go with the stack, so that nothing is left behind that costs money. A table that an update replaces stays.
pub(crate) fn add(resources: &mut Named<Resource>) {
    for table in ALL {
        resources.add(table.logical, table.resource());
    }
    resources.add(KEY, key());
    resources.add(
        "CredentialsKeyAlias",
        Resource::new(
            "AWS::KMS::Alias",
            json!({
                "AliasName": crate::template::sub("alias/${AWS::StackName}-credentials"),
                "TargetKeyId": crate::template::reference(KEY),
            }),
        ),
    );
}

impl Table {
    fn resource(&self) -> Resource {
        let names: &[(&str, &str)] = match self.keys {
            Keys::Partition => &[("pk", "HASH")],
            Keys::PartitionAndSort => &[("pk", "HASH"), ("sk", "RANGE")],
        };
        let attributes: Vec<Value> =
            names.iter().map(|(name, _)| json!({ "AttributeName": name, "AttributeType": "S" })).collect();
        let schema: Vec<Value> =
            names.iter().map(|(name, kind)| json!({ "AttributeName": name, "KeyType": kind })).collect();
        let mut properties = json!({
            "TableName": named(self.name),
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": attributes,
            "KeySchema": schema,
            "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": true },
            "DeletionProtectionEnabled": either(IS_PROTECTED, json!(true), json!(false)),
        });
        match self.lifetime {
            Lifetime::UntilDeleted => {}
            Lifetime::Expiring => {
                properties["TimeToLiveSpecification"] = json!({ "AttributeName": "ttl", "Enabled": true });
            }
        }
        Resource::new("AWS::DynamoDB::Table", properties).kept_on_replacement()
    }
}

/// The account's administrators own the key, so that it cannot become unmanageable; the functions' own roles say what
/// they may do with it. In a key's policy `*` stands for this key.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>
fn key() -> Resource {
    let root = crate::template::sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root");
    Resource::new(
        "AWS::KMS::Key",
        json!({
            "Description": crate::template::sub("Credentials of ${AWS::StackName}"),
            "EnableKeyRotation": true,
            // The longest: until then a deleted key, and with it every token, can be had back.
            "PendingWindowInDays": 30,
            "KeyPolicy": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Sid": "AccountAdministersKey",
                    "Effect": "Allow",
                    "Principal": { "AWS": root },
                    "Action": "kms:*",
                    "Resource": "*",
                }],
            },
        }),
    )
    .kept_on_replacement()
}
