#!/usr/bin/env bash
# Regenerates every committed file that a program writes: the Go beside the .proto files, then
# whatever go:generate makes under proto/ (the compiled catalogue). Needs Go and nothing else: the
# tools are built from packaging/tools/go.mod, so everybody gets the same versions and the same bytes.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT

(
	cd "$root/packaging/tools"
	CGO_ENABLED=0 go build -o "$bin/" \
		github.com/bufbuild/buf/cmd/buf \
		google.golang.org/protobuf/cmd/protoc-gen-go \
		google.golang.org/grpc/cmd/protoc-gen-go-grpc
)

cd "$root/proto"
PATH="$bin:$PATH"
buf lint
buf generate

cd "$root"
go generate ./proto/...
