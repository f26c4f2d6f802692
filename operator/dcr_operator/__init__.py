"""The operator: declares OAuth clients as Kubernetes resources."""
