//! What [Install] sections and presets say of a loaded unit.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;

use unit_parser::UnitName;
use unit_parser::install::{FileState, InstallPaths, Installer, Presets};

use crate::core::UnitView;
use crate::model::Model;

/// States and presets that were looked up since the last change. Looking one up reads directories.
#[derive(Debug, Default)]
pub struct FileStates {
    states: RefCell<HashMap<UnitName, String>>,
    presets: RefCell<Option<Presets>>,
}

impl Model {
    /// An installer on the manager's load path.
    #[must_use]
    pub fn installer(&self) -> Installer {
        Installer::new(self.install_paths(), self.machine.host.clone())
    }

    /// Where `systemctl set-property` writes.
    #[must_use]
    pub fn control_directory(&self, runtime: bool) -> PathBuf {
        self.install_paths().control(runtime).to_owned()
    }

    fn install_paths(&self) -> InstallPaths {
        let variable = |name: &str| std::env::var(name).ok();
        let mode = if self.facts.user { unit_parser::Mode::User } else { unit_parser::Mode::System };
        InstallPaths::new(mode, self.machine.loader.load_path(), None, &variable)
    }

    /// `UnitFileState`: `enabled`, `static`, `masked`, ...; empty when there is no file.
    #[must_use]
    pub fn unit_file_state(&self, view: &UnitView<'_>) -> String {
        if view.definition.fragment.is_none() {
            return String::new();
        }
        if let Some(state) = self.file_states.states.borrow().get(view.name) {
            return state.clone();
        }
        let state = self.installer().state(view.name.as_str());
        // There is a file, so what can't be read is bad.
        let state = state.unwrap_or(FileState::Bad).as_str().to_owned();
        self.file_states.states.borrow_mut().insert(view.name.clone(), state.clone());
        state
    }

    /// `UnitFilePreset`: `enabled` or `disabled`; empty when there is no file.
    #[must_use]
    pub fn unit_file_preset(&self, view: &UnitView<'_>) -> String {
        if view.definition.fragment.is_none() {
            return String::new();
        }
        let mut presets = self.file_states.presets.borrow_mut();
        let presets = presets.get_or_insert_with(|| Presets::read(&self.install_paths()));
        // The rules look at the file: for an instance that is its template.
        let file = view.definition.fragment.as_deref().and_then(|path| path.file_name()?.to_str());
        let name = file.and_then(|file| UnitName::parse(file).ok());
        presets.state(name.as_ref().unwrap_or(view.name)).as_str().to_owned()
    }

    /// Unit files changed: what was found out about them counts no more.
    pub fn forget_unit_file_states(&mut self) {
        self.file_states = FileStates::default();
    }
}
