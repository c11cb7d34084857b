package specfile

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Channel is one that a file declares. Only the files on the production branch
// count.
type Channel struct {
	Name string
	Spec v1alpha1.ChannelSpec
}

// maxEventing bounds the channels and the subscriptions of one file.
const maxEventing = 64

var channelsRow = row{
	name: "channels", byDefault: "none",
	doc: "[Channels](events.md) of the repository: durable logs of events. Each is named in one file. Only the files on the production branch count.",
	value: listOfObjects[Spec, Channel]{
		what: "channels", most: maxEventing,
		item: objectOf[Channel]{rows: channelRows, example: "{name: orders, keep: 168h}", begin: beginChannel},
		add:  func(s *Spec, c Channel) { s.Channels = append(s.Channels, c) },
	},
}

// beginChannel fills in what holds for a channel that only has a name.
func beginChannel(c *Channel) {
	c.Spec = v1alpha1.ChannelSpec{
		Keep:     metav1.Duration{Duration: v1alpha1.DefaultKeep},
		Size:     resource.MustParse(v1alpha1.DefaultSize),
		MaxEvent: v1alpha1.DefaultMaxEvent,
		Dedupe:   &metav1.Duration{Duration: v1alpha1.DefaultDedupe},
	}
}

var channelRows = []rowOf[Channel]{
	{
		name: "name", required: true,
		doc:   "Name of the channel, which no other one of the namespace has.",
		value: channelName("orders", func(c *Channel, v string) { c.Name = v }),
	},
	{
		name: "keep", byDefault: "168h",
		doc: "How long events are kept, whether or not they were delivered.",
		value: durationOf[Channel]{min: v1alpha1.MinKeep, max: v1alpha1.MaxKeep, example: "168h",
			set: func(c *Channel, v time.Duration) { c.Spec.Keep.Duration = v }},
	},
	{
		name: "size", byDefault: v1alpha1.DefaultSize,
		doc: "How much is kept. An event for which there is no room is refused with 503 until older ones are out of `keep`.",
		value: quantityOf[Channel]{what: "an amount of disk", example: "1Gi", least: v1alpha1.MinSize, pattern: bytesPattern,
			set: func(c *Channel, v string) { c.Spec.Size = resource.MustParse(v) }},
	},
	{
		name: "maxEvent", byDefault: "1Mi",
		doc: "Largest event, data and attributes together. A larger one is refused with 413.",
		value: quantityOf[Channel]{what: "a size", example: "256Ki", least: inBytes(v1alpha1.LeastMaxEvent), most: inBytes(v1alpha1.MostMaxEvent), pattern: bytesPattern,
			set: func(c *Channel, v string) { c.Spec.MaxEvent = new(resource.MustParse(v)).Value() }},
	},
	{
		name: "dedupe", byDefault: "10m",
		doc: "For how long an event with the source and id of an earlier one is taken for that and not kept again.",
		value: durationOf[Channel]{min: 0, max: v1alpha1.MaxDedupe, example: "10m",
			set: func(c *Channel, v time.Duration) { c.Spec.Dedupe.Duration = v }},
	},
	accessRow,
}

const bytesPattern = `^[0-9]+(\.[0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?$`

// inBytes is a number of bytes as people write it.
func inBytes(n int64) string { return resource.NewQuantity(n, resource.BinarySI).String() }

// channelName is the name of a channel.
func channelName[T any](example string, set func(into *T, v string)) textOf[T] {
	return textOf[T]{what: "the name of a channel (lower-case letters, digits and hyphens)", example: example,
		pattern: appName.String(), most: v1alpha1.MaxEventingName, because: fmt.Sprintf("at most %d characters are allowed", v1alpha1.MaxEventingName),
		set: func(into *T, v string) error { set(into, v); return nil }}
}

// Claimed are the names of the channels and sources that a file declares which
// cannot be used, as far as they can be told; sure is false where there may be
// others.
func Claimed(data []byte) (channels, sources []string, sure bool) {
	root, problem := document(data)
	if problem != nil {
		return nil, nil, false
	}
	sure = true
	for key, names := range map[string]*[]string{"channels": &channels, "sources": &sources} {
		for _, list := range valuesOf(root, key) {
			sure = sure && (list.Kind == yaml.SequenceNode || list.ShortTag() == "!!null")
			for _, item := range list.Content {
				claimed := valuesOf(item, "name")
				for _, n := range claimed {
					*names = append(*names, n.Value)
				}
				sure = sure && len(claimed) > 0
			}
		}
	}
	return channels, sources, sure
}

// valuesOf are the values of a key, which an invalid file may have twice.
func valuesOf(n *yaml.Node, key string) []*yaml.Node {
	var out []*yaml.Node
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			out = append(out, n.Content[i+1])
		}
	}
	return out
}
