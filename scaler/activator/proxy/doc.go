// Package proxy sends a request to a pod of a revision with net/http: HTTP/1.1
// and HTTP/2 without TLS on the client's side, gRPC with trailers, WebSocket
// and every other upgrade, streams in both directions at the same time.
//
// It promises: the app takes each part of the body and starts its response
// within the revision's timeout, or the client gets an answer that says why; a
// client that stops sending does too; a request goes to a second pod only if the
// first refused the connection, so that no app ever sees it twice; a client
// that goes away ends its request. It does not choose the host's revision by
// itself (package table) nor the pod (package backend).
package proxy
