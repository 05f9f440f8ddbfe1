"""gRPC: servicers of a few lines a method, conversion, one error map, one interceptor chain."""
