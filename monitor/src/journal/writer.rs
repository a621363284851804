//! Appends lines to the log file. Must not know what a line says.
