//! Whom to tell about a vulnerability, inside the ELF where explorers and
//! researchers look for it (security.txt by Neodyme).
//!
//! Whoever deploys the program puts an address of their own here, before the build.

use solana_security_txt::security_txt;

security_txt! {
    name: "Tollgate",
    project_url: "https://tollgate.example",
    contacts: "link:https://tollgate.example/security,email:security@tollgate.example",
    policy: "https://tollgate.example/security",
    preferred_languages: "en"
}
