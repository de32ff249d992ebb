//! A Kafka in virtual time.

#[allow(dead_code)] // Until the driver that uses it is here.
mod cluster;
