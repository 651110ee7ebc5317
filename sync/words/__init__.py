"""The sentences that programs tell people, each with a code and named values, for pages in other languages."""
