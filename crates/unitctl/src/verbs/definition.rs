//! `reload-definition`: the files of one unit are read again.

use bus_api::broker::Request;

use super::names::expand;
use crate::manager::{Manager, ManagerError};

/// Has the broker read the files of these units again, one after the other.
pub async fn reload(manager: &Manager, units: &[String]) -> Result<u8, ManagerError> {
    for unit in expand(manager, units).await? {
        let message = Request::ReloadUnitDefinition { unit: unit.to_string() }.message();
        let message = message.map_err(|error| ManagerError::Arguments(error.to_string()))?;
        manager.send(message).await?;
    }
    Ok(0)
}
