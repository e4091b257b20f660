//! Names of the rows of a table.

/// An enum whose members name the rows of a table. The list of them is for the test that each has its one row.
macro_rules! row_names {
    ($(#[$about:meta])* pub enum $name:ident { $($row:ident,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "each row of the table describes itself")]
        pub enum $name {
            $($row,)+
        }

        #[cfg(test)]
        impl $name {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$row),+];
        }
    };
}
pub(in crate::surface) use row_names;
