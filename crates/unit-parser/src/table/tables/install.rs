//! [Install]: what enabling does (systemd.unit(5)).

use super::macros::{MANY, ONCE};
use crate::table::Kind::*;
use crate::table::Status::*;

table! {
    Install, section "Install", interface "Unit";
    ALIAS "Alias" InstallNames, "", [], MANY, Works, 0, "Further names, as links";
    WANTED_BY "WantedBy" InstallNames, "", [], MANY, Works, 0, "Units that want it, as links in their .wants/";
    REQUIRED_BY "RequiredBy" InstallNames, "", [], MANY, Works, 0, "Units that require it, as links in their .requires/";
    UPHELD_BY "UpheldBy" InstallNames, "", [], MANY, NoEffect("enabling makes no such links, as in systemd 252; links in .upholds/ count"), 254, "Units that uphold it, as links in their .upholds/";
    ALSO "Also" InstallNames, "", [], MANY, Works, 0, "Units that are enabled and disabled along";
    DEFAULT_INSTANCE "DefaultInstance" Verbatim, "", [], ONCE, Works, 0, "The instance that enabling a template means";
}
