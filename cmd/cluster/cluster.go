// Package cluster finds the API server for Headway's programs, and has them reach it
// again soon after an outage.
package cluster

import (
	"context"
	"fmt"
	"net"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
)

const (
	// patience is how long one connection is tried for.
	patience = 30 * time.Second
	// attempt is how long the API server may take to accept it.
	attempt = 2 * time.Second
	// pause is between two attempts. It is what an outage lasts longer for Headway
	// than for the API server, on average half of it.
	pause = 250 * time.Millisecond
	// keepAlive finds dead connections; it is client-go's.
	keepAlive = 30 * time.Second
)

// Config is how the API server is reached: by the service account of a pod, or by
// the file that KUBECONFIG names.
//
// What watches the API server asks again after pauses that grow up to a minute, and
// client-go has no setting for them: after an outage of 30 s most watches would be
// back another 30 s later. So here a connection that cannot be made is tried for
// longer, which is one slow request instead of many that failed.
func Config() (*rest.Config, error) {
	c, err := config.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's address: %w", err)
	}
	c.Dial = patiently((&net.Dialer{Timeout: attempt, KeepAlive: keepAlive}).DialContext)
	return c, nil
}

type dial func(ctx context.Context, network, address string) (net.Conn, error)

// patiently dials again until there is a connection, patience is over or nobody
// waits any more.
func patiently(once dial) dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		for end := time.Now().Add(patience); ; {
			conn, err := once(ctx, network, address)
			if err == nil || !time.Now().Add(pause).Before(end) {
				return conn, err
			}
			select {
			case <-ctx.Done():
				return nil, err
			case <-time.After(pause):
			}
		}
	}
}
