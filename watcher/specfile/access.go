package specfile

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// accessRow says who may send to a channel.
var accessRow = rowOf[Channel]{
	name: "access", byDefault: "whoever reaches the ingress in the cluster",
	doc: "[Who may send](events.md#who-may-send).",
	value: objectOf[Channel]{rows: accessRows, example: "{token: true}",
		begin: func(c *Channel) { c.Spec.Access = &v1alpha1.ChannelAccess{} }},
}

var accessRows = []rowOf[Channel]{
	{
		name: "token", byDefault: "false",
		doc:   "`true`: within the cluster, too, only who shows a token of a service account of the namespace, or of one of `senders`. Apps have one for the channels in their `sends`.",
		value: booleanOf[Channel]{set: func(c *Channel, v bool) { c.Spec.Access.Token = v }},
	},
	{
		name: "senders", byDefault: "none",
		doc: "Service accounts of other namespaces that may send.",
		value: listOf[Channel]{what: "service accounts", most: 64, item: textOf[Channel]{
			what: "a service account with its namespace", example: "billing/default",
			pattern: `^[a-z0-9][-a-z0-9]*/[a-z0-9][-.a-z0-9]*$`, most: 317,
			set: func(c *Channel, v string) error {
				c.Spec.Access.Senders = append(c.Spec.Access.Senders, v)
				return nil
			}}},
	},
	{
		name: "outside", byDefault: "no way in",
		doc: "Opens the channel to senders outside of the cluster that sign with a secret, or show a client certificate: one of the two is enough.",
		value: objectOf[Channel]{rows: outsideRows, example: "{hmac: secret://orders/hmac}",
			begin: func(c *Channel) { c.Spec.Access.Outside = &v1alpha1.OutsideAccess{} },
			check: checkOutside},
	},
}

var outsideRows = []rowOf[Channel]{
	{
		name: "hmac", byDefault: "no signature is taken",
		doc: "Key with which requests are signed, as the specification Standard Webhooks says.",
		value: secretKey("secret://orders/hmac", func(c *Channel, k v1alpha1.KeyRef) {
			c.Spec.Access.Outside.HMAC = k
		}),
	},
	{
		name: "subjectAltNames", byDefault: "no certificate is taken",
		doc: "Names of client certificates that may send: DNS names, URIs or mail addresses, each in full. An authority of the [installation](install.md#events-over-tls) has to have signed them.",
		value: listOf[Channel]{what: "names of certificates", most: 64, item: textOf[Channel]{
			what: "a DNS name, a URI or a mail address", example: "spiffe://example.com/till",
			pattern: `^[!-~]+$`, most: 512,
			set: addSubjectAltName}},
	},
}

// addSubjectAltName: a name twice is one.
func addSubjectAltName(c *Channel, v string) error {
	if outside := c.Spec.Access.Outside; !slices.Contains(outside.SubjectAltNames, v) {
		outside.SubjectAltNames = append(outside.SubjectAltNames, v)
	}
	return nil
}

// checkOutside: without either nobody could send.
func checkOutside(c *Channel) string {
	if outside := c.Spec.Access.Outside; outside.HMAC.Name == "" && len(outside.SubjectAltNames) == 0 {
		return "expected hmac, subjectAltNames or both, by which senders outside prove who they are"
	}
	return ""
}

// secretKey is a key of a Secret.
func secretKey[T any](example string, set func(into *T, k v1alpha1.KeyRef)) textOf[T] {
	return textOf[T]{what: "a key of a Secret", example: example,
		pattern: `^secret://[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/[A-Za-z0-9._-]{1,253}$`, most: 520,
		set: func(into *T, v string) error {
			name, key, _ := strings.Cut(strings.TrimPrefix(v, "secret://"), "/")
			set(into, v1alpha1.KeyRef{Name: name, Key: key})
			return nil
		}}
}

// sendsRow are the channels that the app has a token for.
var sendsRow = row{
	name: "sends", byDefault: "none",
	doc: "Channels that the app sends to, those of other namespaces as `<namespace>/<name>`. For each, `HEADWAY_CHANNEL_<NAME>` has its URL and the file `/var/run/secrets/headway/events/<name>` a [token](events.md#who-may-send) that it takes.",
	value: list{what: "names of channels", most: maxEventing, item: text{
		what: "the name of a channel, or that and its namespace", example: "orders",
		pattern: `^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/)?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`, most: 127,
		set: addSend}},
}

// addSend: no two channels have the same name, by which the app knows them.
func addSend(s *Spec, v string) error {
	for _, other := range s.Sends {
		if other != v && path.Base(other) == path.Base(v) {
			return fmt.Errorf("%s has the name %s, too, by which the app knows it; keep one of them", other, path.Base(v))
		}
	}
	s.Sends = append(s.Sends, v)
	return nil
}
