"""The commands of `nmc`, by what they are about; `cli` gathers them."""
