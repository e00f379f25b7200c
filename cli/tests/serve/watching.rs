//! A configuration that is put in force because its files changed, without a signal.

use std::path::Path;

use super::support::Site;

const WATCHED: &str = "[reload]\nwatch_interval_ms = 100\n";

fn with_route(path: &str) -> String {
    format!("{WATCHED}\n[[routes]]\npath = \"{path}\"\nfree = true\n")
}

/// Makes `text` the configuration in one step, as a Kubernetes ConfigMap does it: the
/// file is a link through `..data`, which is renamed over.
fn publish(mounted: &Path, version: &str, text: &str) {
    let folder = mounted.join(version);
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("tollgate.toml"), text).unwrap();
    let next = mounted.join("..data_tmp");
    std::os::unix::fs::symlink(version, &next).unwrap();
    std::fs::rename(next, mounted.join("..data")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchanged_configuration_is_put_in_force_or_refused_once() {
    let site = Site::new().await;
    let text = |sections: &str| {
        let path = site.write_config("", sections);
        std::fs::read_to_string(path).unwrap()
    };
    let mounted = site.folder.path().join("mounted");
    std::fs::create_dir(&mounted).unwrap();
    publish(&mounted, "v1", &text(WATCHED));
    let config = mounted.join("tollgate.toml");
    std::os::unix::fs::symlink("..data/tollgate.toml", &config).unwrap();
    let mut service = site.serve(&config, "info").await;
    let status = async |path: &str| {
        let answer = reqwest::get(service.url(path)).await.unwrap();
        // Ours, or the upstream's, which knows no such path either.
        answer.text().await.unwrap().contains("route_not_found")
    };
    assert!(status("/second").await);
    publish(&mounted, "v2", &text(&with_route("/second")));
    let in_force = "the new configuration is in force";
    service.events(in_force, 1).await;
    assert!(!status("/second").await, "the new route is there");

    publish(&mounted, "v3", "[server]\n");
    let refusal = "the new configuration is refused";
    let refused = service.event(refusal).await;
    assert!(refused["code"].as_str().unwrap().starts_with("config_"));
    assert!(!status("/second").await, "the old one serves on");

    // An editor: another file is renamed over the link. And back to a link.
    std::fs::write(mounted.join("new"), text(&with_route("/third"))).unwrap();
    std::fs::rename(mounted.join("new"), &config).unwrap();
    service.events(in_force, 2).await;
    assert!(!status("/third").await);
    assert!(status("/second").await);

    // Written in place; and from here on nothing is watched any more.
    std::fs::write(&config, text("")).unwrap();
    service.events(in_force, 3).await;
    assert!(status("/third").await);
    let refusals = service.log().join("\n").matches(refusal).count();
    assert_eq!(refusals, 1, "one mistake is one line");
    service.signal("TERM");
    assert!(service.ended().await.success());
}
