#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| pollwheel_connector::fuzzing::cursor(data));
