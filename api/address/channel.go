package address

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Events is the URL of the ingress of events in the cluster.
const Events = "http://headway-events.headway-system"

// Channel is the URL to which the events of a Channel are sent, and the audience of
// the tokens with which that may be done.
func Channel(namespace, name string) string { return Events + "/" + namespace + "/" + name }

// ChannelBranch is the name of the Channel that a preview has in the place of
// another. suffix is the same for all previews of a request, such as -pr-12. A
// name that does not fit before it is cut and gets a hash.
func ChannelBranch(channel, suffix string) string {
	if len(channel)+len(suffix) <= maxLabel {
		return channel + suffix
	}
	sum := sha256.Sum256([]byte(channel))
	end := "-" + hex.EncodeToString(sum[:])[:hashLength] + suffix
	return strings.TrimRight(channel[:max(maxLabel-len(end), 1)], "-") + end
}
