// Package sources runs the sources that read queues against servers that speak
// the queues' own protocols: goaws for Amazon SQS, Google's own pstest for
// Pub/Sub, and kfake for Kafka.
//
// It is a module of its own, so that what these servers need does not become part
// of Headway. All of them run in the test's process and listen on loopback only.
package sources
