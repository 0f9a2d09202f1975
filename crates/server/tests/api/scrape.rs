//! Reading the metrics, as Prometheus does.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::TestApp;
use crate::secure::client_builder;
use crate::server::Server;

/// What one scrape read.
#[derive(Debug)]
pub(crate) struct Scrape {
    /// By name and labels, as they are written.
    values: BTreeMap<String, i64>,
    /// The type of each metric.
    pub(crate) types: BTreeMap<String, String>,
}

/// The whole part of a number.
fn whole(number: &str) -> i64 {
    number.split('.').next().unwrap().parse().unwrap()
}

impl Scrape {
    /// Scrapes the management port.
    pub(crate) async fn of(app: &TestApp) -> Self {
        Self::of_server(&app.server).await
    }

    /// Scrapes the management port of `server`.
    pub(crate) async fn of_server(server: &Server) -> Self {
        Self::at(&server.management_url()).await
    }

    /// Scrapes the management port with this URL.
    pub(crate) async fn at(management_url: &str) -> Self {
        // A connection of its own each time: those that are idle make room for others.
        let client = client_builder().pool_max_idle_per_host(0).build().unwrap();
        let answer = client.get(format!("{management_url}/metrics")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        Self::read(&answer.text().await.unwrap())
    }

    pub(crate) fn read(text: &str) -> Self {
        let mut scrape = Self { values: BTreeMap::new(), types: BTreeMap::new() };
        for line in text.lines() {
            if let Some(typed) = line.strip_prefix("# TYPE ") {
                let (name, kind) = typed.split_once(' ').unwrap();
                scrape.types.insert(name.to_owned(), kind.to_owned());
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').unwrap();
                assert!(scrape.values.insert(series.to_owned(), whole(value)).is_none(), "{line}");
            }
        }
        scrape
    }

    /// The value of a series, 0 if there is none.
    pub(crate) fn value(&self, series: &str) -> i64 {
        self.values.get(series).copied().unwrap_or_default()
    }

    /// By how much a series has grown since `before`.
    pub(crate) fn since(&self, before: &Self, series: &str) -> i64 {
        self.value(series) - before.value(series)
    }

    /// The names of all series.
    pub(crate) fn series(&self) -> BTreeSet<&str> {
        self.values.keys().map(String::as_str).collect()
    }

    /// The sum of the series that begin with `prefix`.
    pub(crate) fn sum(&self, prefix: &str) -> i64 {
        self.values.iter().filter(|(series, _)| series.starts_with(prefix)).map(|(_, value)| value).sum()
    }

    /// The labels of a metric, but that of its buckets.
    pub(crate) fn labels(&self, name: &str) -> BTreeSet<String> {
        let own = |series: &&String| {
            let bare = series.split('{').next().unwrap();
            bare == name || bare.strip_prefix(name).is_some_and(|rest| ["_bucket", "_sum", "_count"].contains(&rest))
        };
        let names = |series: &String| {
            let labels = series.split_once('{').map(|(_, labels)| labels.trim_end_matches('}').to_owned());
            let labels = labels.unwrap_or_default();
            labels.split("\",").filter_map(|pair| pair.split_once('=').map(|(name, _)| name.to_owned())).collect()
        };
        let mut found: BTreeSet<String> =
            self.values.keys().filter(own).flat_map(|series| -> Vec<String> { names(series) }).collect();
        found.remove("le");
        found
    }
}
