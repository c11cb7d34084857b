// Package integration checks the API against a real API server and etcd: what
// the unit tests cannot know, such as defaulting, CEL rules, immutability and
// server-side apply. It promises nothing about pods; test/e2e does that.
//
// The tests have the build tag "integration" and use the API server and etcd
// that the local cluster compiles (make integration does so first).
package integration
