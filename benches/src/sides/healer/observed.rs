//! Metrics and logs, which an operator turns on.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Result, ensure};
use healer::{
    config::LogSettings,
    observe::{self, Server},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::task::Side;

/// How often metrics are scraped: far more often than Prometheus does it.
const SCRAPE: Duration = Duration::from_secs(1);

/// Turns on the metrics or the logs of the side. Metrics are served until the returned server is dropped.
pub(super) async fn turn_on(side: Side) -> Result<Option<Server>> {
    match side {
        Side::HealerMetrics => {
            let server = observe::serve_metrics("127.0.0.1:0").await?;
            tokio::spawn(scrape(server.addr()));
            Ok(Some(server))
        }
        Side::HealerLogs => {
            let mut settings = LogSettings::default();
            settings.json = true;
            observe::init_logs(&settings)?;
            Ok(None)
        }
        _ => Ok(None),
    }
}

async fn scrape(addr: SocketAddr) -> Result<()> {
    loop {
        tokio::time::sleep(SCRAPE).await;
        let mut stream = TcpStream::connect(addr).await?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        ensure!(answer.contains("healer_stage_records_in_total"), "no metrics are exported: {answer}");
    }
}
