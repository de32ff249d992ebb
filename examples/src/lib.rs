//! Programs that show healer at work. Each is a file in `src/bin`; the code that it needs beside healer is a module here.

pub mod flights;
