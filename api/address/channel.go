package address

// Events is the URL of the ingress of events in the cluster.
const Events = "http://headway-events.headway-system"

// Channel is the URL to which the events of a Channel are sent, and the audience of
// the tokens with which that may be done.
func Channel(namespace, name string) string { return Events + "/" + namespace + "/" + name }
