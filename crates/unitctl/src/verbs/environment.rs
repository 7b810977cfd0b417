//! The environment block that the manager gives to services.

use crate::manager::{Manager, ManagerError};

/// Prints it, one variable a line.
pub async fn show(manager: &Manager) -> Result<u8, ManagerError> {
    let properties = manager.properties(None).await?;
    for variable in properties.list("Environment") {
        println!("{variable}");
    }
    Ok(0)
}

/// Sets or unsets variables.
pub async fn change(manager: &Manager, method: &str, words: &[String]) -> Result<u8, ManagerError> {
    manager.call(method, &(words,)).await.map(|_| 0)
}
