package story

import "context"

type senderKey struct{}

// WithSender names who sends what is appended to a channel with this context, for
// people: "source nightly", "service account shop/default".
func WithSender(ctx context.Context, sender string) context.Context {
	return context.WithValue(ctx, senderKey{}, sender)
}

// Sender is who WithSender has named; "" is nobody.
func Sender(ctx context.Context) string {
	sender, _ := ctx.Value(senderKey{}).(string)
	return sender
}
