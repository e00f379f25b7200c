//! A verifier with an admin listener.

use tollgate_verifier::config::{AdminConfig, Config};

use super::Stage;

/// A healthy stage that can be scraped.
pub async fn with_admin(change: impl FnOnce(&mut Config)) -> Stage {
    Stage::with(|config| {
        config.admin = Some(AdminConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
        });
        change(config);
    })
    .await
}

/// The address of a path of the admin listener.
pub fn admin_url(stage: &Stage, path: &str) -> String {
    format!("http://{}{path}", stage.verifier.admin_addr().unwrap())
}

/// The whole page of metrics.
pub async fn scrape(stage: &Stage) -> String {
    let url = admin_url(stage, "/metrics");
    let response = stage.http.get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

/// The value of one series, such as `tollgate_ready`.
pub async fn series(stage: &Stage, name: &str) -> f64 {
    let page = scrape(stage).await;
    let start = format!("{name} ");
    page.lines()
        .find_map(|line| line.strip_prefix(&start))
        .unwrap_or_else(|| panic!("no series {name} in\n{page}"))
        .parse()
        .unwrap()
}
