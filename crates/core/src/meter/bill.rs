//! Prices of a region, and what usage costs by them. Prices are dollars; a table of them is read elsewhere.

use serde::{Deserialize, Serialize};

use super::usage::{Usage, count};

const MILLION: f64 = 1_000_000.0;

/// The prices of one region, by service. Free tiers are left out.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// DynamoDB on demand.
    pub dynamodb: DatabasePrices,
    /// SQS standard queues.
    pub sqs: QueuePrices,
    /// EventBridge.
    pub eventbridge: EventPrices,
    /// EventBridge Scheduler.
    pub scheduler: SchedulePrices,
    /// Lambda on arm64.
    pub lambda: FunctionPrices,
    /// CloudWatch.
    pub cloudwatch: MonitoringPrices,
    /// KMS.
    pub kms: KeyPrices,
    /// Step Functions, standard workflows. For comparison only, as all below.
    pub step_functions: WorkflowPrices,
    /// ElastiCache Serverless.
    pub elasticache: CachePrices,
    /// EKS.
    pub eks: KubernetesPrices,
    /// EC2.
    pub ec2: MachinePrices,
}

/// DynamoDB on demand.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabasePrices {
    /// A million read units.
    pub million_read_units: f64,
    /// A million write units.
    pub million_write_units: f64,
    /// A GB of storage for a month.
    pub storage_gb_month: f64,
    /// A GB with point-in-time recovery for a month, besides.
    pub recovery_gb_month: f64,
}

/// SQS standard queues.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueuePrices {
    /// A million requests of 64 KB.
    pub million_requests: f64,
}

/// EventBridge.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventPrices {
    /// A million custom events of 64 KB.
    pub million_events: f64,
}

/// EventBridge Scheduler.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchedulePrices {
    /// A million invocations.
    pub million_invocations: f64,
}

/// Lambda on arm64, at its first tier.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionPrices {
    /// A GB for a second.
    pub gb_second: f64,
    /// A million requests.
    pub million_requests: f64,
}

/// CloudWatch.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonitoringPrices {
    /// A GB of logs taken in.
    pub log_gb: f64,
    /// A custom metric for a month.
    pub metric_month: f64,
    /// An alarm for a month.
    pub alarm_month: f64,
    /// A dashboard for a month.
    pub dashboard_month: f64,
}

/// KMS.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPrices {
    /// A key for a month.
    pub key_month: f64,
    /// A million requests.
    pub million_requests: f64,
}

/// Step Functions, standard workflows.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowPrices {
    /// A million state transitions.
    pub million_transitions: f64,
}

/// ElastiCache Serverless for Valkey, the cheaper of its two engines that speak Redis.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CachePrices {
    /// A GB for an hour.
    pub gb_hour: f64,
    /// A million processing units: one for each started KB of a simple command.
    pub million_processing_units: f64,
}

/// EKS.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesPrices {
    /// A cluster's control plane for an hour.
    pub cluster_hour: f64,
}

/// EC2, Linux, on demand.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachinePrices {
    /// A machine of two processors and 8 GB (m7g.large) for an hour.
    pub machine_hour: f64,
}

/// What usage costs, in dollars, by component.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Bill {
    /// DynamoDB, reads.
    pub dynamodb_reads: f64,
    /// DynamoDB, writes.
    pub dynamodb_writes: f64,
    /// SQS.
    pub sqs: f64,
    /// EventBridge.
    pub eventbridge: f64,
    /// EventBridge Scheduler.
    pub scheduler: f64,
    /// Lambda, its time.
    pub lambda_time: f64,
    /// Lambda, its requests.
    pub lambda_requests: f64,
    /// CloudWatch, logs.
    pub logs: f64,
    /// KMS.
    pub kms: f64,
}

impl Prices {
    /// What usage costs.
    #[must_use]
    pub fn bill(&self, usage: &Usage) -> Bill {
        let millions = |number: u64| count(number) / MILLION;
        Bill {
            dynamodb_reads: usage.read_units() / MILLION * self.dynamodb.million_read_units,
            dynamodb_writes: millions(usage.write_units) * self.dynamodb.million_write_units,
            sqs: millions(usage.queue_requests) * self.sqs.million_requests,
            eventbridge: millions(usage.events) * self.eventbridge.million_events,
            scheduler: millions(usage.schedule_invocations) * self.scheduler.million_invocations,
            lambda_time: usage.function_gb_seconds() * self.lambda.gb_second,
            lambda_requests: millions(usage.function_requests) * self.lambda.million_requests,
            logs: usage.log_gb() * self.cloudwatch.log_gb,
            kms: millions(usage.key_requests) * self.kms.million_requests,
        }
    }
}

impl Bill {
    /// The components by their names.
    #[must_use]
    pub const fn components(&self) -> [(&'static str, f64); 9] {
        [
            ("dynamodb_reads", self.dynamodb_reads),
            ("dynamodb_writes", self.dynamodb_writes),
            ("sqs", self.sqs),
            ("eventbridge", self.eventbridge),
            ("scheduler", self.scheduler),
            ("lambda_time", self.lambda_time),
            ("lambda_requests", self.lambda_requests),
            ("logs", self.logs),
            ("kms", self.kms),
        ]
    }

    /// All components together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.components().iter().map(|(_, usd)| usd).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each price another, so that a mix-up shows.
    fn prices() -> Prices {
        Prices {
            dynamodb: DatabasePrices {
                million_read_units: 2.0,
                million_write_units: 3.0,
                storage_gb_month: 0.25,
                recovery_gb_month: 0.2,
            },
            sqs: QueuePrices { million_requests: 5.0 },
            eventbridge: EventPrices { million_events: 7.0 },
            scheduler: SchedulePrices { million_invocations: 11.0 },
            lambda: FunctionPrices { gb_second: 13.0, million_requests: 17.0 },
            cloudwatch: MonitoringPrices {
                log_gb: 19.0,
                metric_month: 0.3,
                alarm_month: 0.1,
                dashboard_month: 3.0,
            },
            kms: KeyPrices { key_month: 1.0, million_requests: 23.0 },
            step_functions: WorkflowPrices { million_transitions: 25.0 },
            elasticache: CachePrices { gb_hour: 0.1, million_processing_units: 0.01 },
            eks: KubernetesPrices { cluster_hour: 0.1 },
            ec2: MachinePrices { machine_hour: 0.1 },
        }
    }

    #[test]
    fn each_component_has_its_price() {
        let usage = Usage {
            read_half_units: 2_000_000,
            write_units: 1_000_000,
            queue_requests: 1_000_000,
            events: 1_000_000,
            schedule_invocations: 1_000_000,
            function_requests: 1_000_000,
            function_mb_ms: 1_024_000,
            log_bytes: 1_073_741_824,
            key_requests: 1_000_000,
        };
        let bill = prices().bill(&usage);
        let by_component: Vec<f64> = bill.components().iter().map(|(_, usd)| *usd).collect();
        assert_eq!(by_component, [2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0, 23.0]);
        assert!((bill.total() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_costs_nothing() {
        assert!(prices().bill(&Usage::default()).total().abs() < 1e-12);
    }
}
