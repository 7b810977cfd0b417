//! Values as text, in the forms that systemctl shows.
