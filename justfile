# Everything a developer does here. `just` alone lists it; CI runs `./test`, as `just test` does.

set shell := ["bash", "-euo", "pipefail", "-c"]

[private]
default:
    @just --list --unsorted

# every check and every test: what CI runs
[group('check')]
test *STEPS:
    ./test {{ STEPS }}

# the checks without the tests: format, lints, purity, dependencies, sizes, docs, licences
[group('check')]
check:
    ./test format recipes core dependencies crates sizes paths docs scorecard checks unused licences lint rustdoc

# format every crate
[group('check')]
fmt:
    cargo fmt --all
    just --unstable --fmt

# clippy on everything, warnings are errors
[group('check')]
lint:
    ./test lint

# the tests of the crates without the AWS SDK: `just unit r03`; of one crate: `just unit -p pollwheel-aws r04`
[group('check')]
unit *ARGS:
    PATH="$(scripts/tools cargo-nextest):$PATH" cargo nextest run {{ ARGS }}

# fuzz what reads input from outside: `just fuzz header 600`; without a target all of them, briefly
[group('check')]
fuzz *ARGS:
    scripts/fuzz {{ ARGS }}

# deployed by SAM and by Serverless to an AWS emulator, with real ticks and faults: seven minutes
[group('check')]
e2e *ARGS:
    scripts/e2e {{ ARGS }}

# which tests show which case of the reliability scorecard
[group('check')]
scorecard:
    scripts/scorecard

# bring the generated column of docs/reliability.md up to date
[group('check')]
scorecard-write:
    scripts/scorecard --write

# the rendered templates: fresh, valid, the same in both forms, within scorecard r31
[group('check')]
check-infra *WORD:
    scripts/check-infra {{ WORD }}

# known vulnerabilities of our dependencies: needs a network
[group('check')]
advisories:
    PATH="$(scripts/tools cargo-deny):$PATH" cargo deny check advisories

# serverless.yml, the SAM template and the catalog, from the channels
[group('deploy')]
render:
    cargo run --quiet -p pollwheel-infra

# the functions as zips in target/lambda: for Lambda on arm64, or with --native for this machine
[group('deploy')]
package *ARGS:
    scripts/package {{ ARGS }}
    scripts/check-package

# package, and deploy with SAM: `just deploy-sam dev eu-central-1 --parameter-overrides AlarmEmail=ops@example.com`
[group('deploy')]
deploy-sam STAGE REGION *ARGS: package
    PATH="$(scripts/tools-aws):$PATH" sam deploy --template-file infra/rendered/template.yaml \
        --stack-name pollwheel-{{ STAGE }} --region {{ REGION }} --resolve-s3 --capabilities CAPABILITY_IAM \
        --no-fail-on-empty-changeset {{ ARGS }}

# package, and deploy with the Serverless Framework: `just deploy-serverless dev eu-central-1 --param=AlarmEmail=ops@example.com`
[group('deploy')]
deploy-serverless STAGE REGION *ARGS: package
    PATH="$(scripts/tools-aws):$PATH" osls deploy --stage {{ STAGE }} --region {{ REGION }} {{ ARGS }}

# everything on this machine, deployed to an AWS emulator; prints the bus's events: `just aws-local 4566 20`
[group('run')]
aws-local *ARGS:
    scripts/aws-local {{ ARGS }}

# end what aws-local started, and remove what it wrote
[group('run')]
aws-local-down:
    scripts/aws-local down

# milliseconds and megabytes of a cold start, on this machine
[group('bench')]
bench-start:
    scripts/package --native
    scripts/check-start

# poll 200 made-up accounts on two made-up upstreams; Ctrl-C ends it with a summary
[group('run')]
demo *ARGS:
    cargo run --release -p pollwheel -- run --demo {{ ARGS }}

# the command: `just run run --channels channels --accounts accounts.jsonl --state state`
[group('run')]
run *ARGS:
    cargo run --release -p pollwheel -- {{ ARGS }}

# 300 simulated days of faults, a day a seed: `just seeds 20` for fewer, `just seeds 20 301` for others
[group('check')]
seeds *ARGS:
    scripts/seeds {{ ARGS }}

# days of faults under virtual time: `just simulate --seeds 20 --faults duplicates,purges`
[group('run')]
simulate *ARGS:
    cargo run --release -p pollwheel -- simulate {{ ARGS }}

# the loopback server that plays the third parties: `just upstream --help`
[group('run')]
upstream *ARGS:
    cargo run --release -p pollwheel-upstream -- {{ ARGS }}

# CPU a poll and memory: 20,000 accounts in one minute over HTTP (needs nginx)
[group('bench')]
bench-poll *ARGS:
    benches/poll/run {{ ARGS }}

# store writes a poll: 10,000 quiet jobs for 100 ticks (needs nginx)
[group('bench')]
bench-quiet:
    benches/poll/run --accounts 10000 --tick 2s --ticks 100

# the tick pass alone: CPU to read and dispatch 1,000,000 due rows
[group('bench')]
bench-tick *ROWS:
    cargo bench --quiet -p pollwheel-local --bench tick -- {{ ROWS }}

# what the connector spends on one answer, without the network
[group('bench')]
bench-connector *ARGS:
    cargo bench --quiet --profile lambda -p pollwheel-connector --bench poll -- {{ ARGS }}

# memory of the connector over 1,000,000 polls
[group('bench')]
bench-memory:
    cargo test --quiet --release -p pollwheel-connector --test it -- --ignored memory_stays_flat

# the scheduler with answers of AWS that come at once: CPU a job dispatched, the SDK's included
[group('bench')]
bench-dispatch *JOBS:
    cargo bench --quiet --profile lambda -p pollwheel-aws --bench dispatch -- {{ JOBS }}

# the tick over 1,000,000 due rows, part by part: read, decode, write messages, send
[group('bench')]
bench-store *ARGS:
    cargo bench --quiet -p pollwheel-local --bench store -- {{ ARGS }}
