"""The commands of `dcr-server`, by what they are about; `cli` puts them together."""
