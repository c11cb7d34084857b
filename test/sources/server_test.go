package sources

import (
	"net/netip"
	"testing"

	"github.com/headway-dev/headway/eventing/source"
	"github.com/headway-dev/headway/eventing/source/kafka"
	"github.com/headway-dev/headway/eventing/source/pubsub"
	"github.com/headway-dev/headway/eventing/source/sqs"
)

// server is a queue that a source reads.
type server interface {
	// config is that of a source which reads the queue.
	config() source.Config
	// refused is a config with credentials that the server refuses, and a part of
	// what is then told.
	refused() (source.Config, string)
	// send puts texts into the queue, a message each.
	send(t *testing.T, texts []string)
	// left is how many messages are not acknowledged.
	left(t *testing.T) int
	// elapse lets so much time pass at the server that it hands out again what it
	// handed out and is not acknowledged.
	elapse()
	// away has the server break off all connections, or answer again.
	away(away bool)
}

// kind is a kind of source and a server for it.
type kind struct {
	run   source.Run
	start func(*testing.T) server
	// keepsTooLarge: a message that is too large for the channel stays in the queue.
	keepsTooLarge bool
}

var kinds = map[string]kind{
	"kafka":  {run: kafka.Kind{Allowed: everywhere}.Run, start: startKafka},
	"pubsub": {run: pubsub.Kind{Allowed: everywhere}.Run, start: startPubSub, keepsTooLarge: true},
	"sqs":    {run: sqs.Kind{Allowed: everywhere}.Run, start: startSQS, keepsTooLarge: true},
}

// everywhere: the servers of the tests are on loopback.
func everywhere(netip.Addr) bool { return true }

// each runs a test for each kind.
func each(t *testing.T, test func(t *testing.T, k kind, s server)) {
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) { test(t, k, k.start(t)) })
	}
}
