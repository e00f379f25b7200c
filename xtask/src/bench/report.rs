//! The results for programs and for people.

use serde_json::{Value, json};

use super::Bench;
use super::figures::{Figures, Results};
use super::goals::{Bound, Goal};
use super::rows::{BARE, ROWS};

/// The results as JSON.
pub fn json(bench: &Bench, results: &Results, goals: &[Goal]) -> Value {
    let rows: serde_json::Map<_, _> = ROWS
        .iter()
        .map(|row| {
            let median = |figure: fn(&Figures) -> f64| results.median(row.name, figure);
            let figures = json!({
                "title": row.title,
                "per_second": median(|figures| figures.per_second),
                "p50_us": median(|figures| as_f64(figures.p50_us)),
                "p99_us": median(|figures| as_f64(figures.p99_us)),
                "server_cpu_us": median(|figures| figures.cpu_us),
                "requests": results.sum(row.name, |figures| figures.requests),
                "unexpected": results.sum(row.name, |figures| figures.unexpected),
                "chain_reads": results.sum(row.name, |figures| figures.chain_reads.unwrap_or(0)),
                "against": row.against,
                "ratio": row.against.and_then(|against| {
                    results.ratio(row.name, against, |figures| figures.per_second)
                }),
            });
            (row.name.to_owned(), figures)
        })
        .collect();
    let goals: Vec<_> = goals
        .iter()
        .map(|goal| {
            json!({
                "name": goal.name,
                "measured": goal.measured,
                "bound": goal.bound,
                "holds": goal.holds(),
            })
        })
        .collect();
    json!({
        "rounds": bench.rounds,
        "milliseconds_per_round": bench.milliseconds,
        "connections": bench.connections,
        "processors": std::thread::available_parallelism().map_or(1, usize::from),
        "rows": rows,
        "populations": results.populations,
        "users": results.users,
        "goals": goals,
    })
}

/// The results as a table.
pub fn table(results: &Results, goals: &[Goal]) -> String {
    let width = ROWS.iter().map(|row| row.title.chars().count()).max();
    let width = width.unwrap_or(0);
    let mut text = format!(
        "{:width$}  {:>9}  {:>8}  {:>8}  {:>8}  {:>7}  {:>7}\n",
        "", "req/s", "p50 us", "p99 us", "cpu us", "to bare", "to base"
    );
    for row in ROWS {
        let median = |figure: fn(&Figures) -> f64| results.median(row.name, figure);
        let ratio = |against: &str| results.ratio(row.name, against, |figures| figures.per_second);
        text += &format!(
            "{:width$}  {:>9}  {:>8}  {:>8}  {:>8}  {:>7}  {:>7}\n",
            row.title,
            or_dash(median(|figures| figures.per_second), 0),
            or_dash(median(|figures| as_f64(figures.p50_us)), 0),
            or_dash(median(|figures| as_f64(figures.p99_us)), 0),
            or_dash(median(|figures| figures.cpu_us), 1),
            or_dash(ratio(BARE), 2),
            or_dash(row.against.and_then(ratio), 2),
        );
    }
    text += &populations(results);
    text += "\n(cpu: processor time of the server alone; to base: to the row that it stands against)\n\n";
    for goal in goals {
        let bound = match goal.bound {
            Bound::AtLeast(least) => format!(">= {least}"),
            Bound::AtMost(most) => format!("<= {most}"),
        };
        let verdict = if goal.holds() { "ok" } else { "MISSED" };
        let measured = or_dash(goal.measured, 2);
        text += &format!("{verdict:6}  {}: {measured} ({bound})\n", goal.name);
    }
    text
}

/// What many entitlements cost, as a table.
fn populations(results: &Results) -> String {
    let mut text = format!(
        "\n{:>12}  {:>8}  {:>7}  {:>11}  {:>7}  {:>8}  {:>9}\n",
        "entitlements", "ready s", "cpu s", "resident MB", "peak MB", "cpu us", "req/s"
    );
    for population in &results.populations {
        text += &format!(
            "{:>12}  {:>8.1}  {:>7.1}  {:>11.0}  {:>7.0}  {:>8.1}  {:>9.0}\n",
            population.entitlements,
            population.ready_seconds,
            population.ready_cpu_seconds,
            population.resident_mb,
            population.peak_mb,
            population.cpu_us,
            population.per_second,
        );
    }
    text
}

fn or_dash(figure: Option<f64>, digits: usize) -> String {
    figure.map_or_else(|| "-".into(), |figure| format!("{figure:.digits$}"))
}

/// Exact below 2^32, which microseconds of a benchmark are.
pub fn as_f64(figure: u64) -> f64 {
    f64::from(u32::try_from(figure).unwrap_or(u32::MAX))
}
