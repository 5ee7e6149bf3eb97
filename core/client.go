package core

import "turbohttp/wire"

// Client is skeleton.
type Client struct{}

// NewClient makes a client that reports to sink.
func NewClient(cfg Config, sink Sink) *Client { return &Client{} }

// Submit starts an exchange, which ends in exactly one Sink.Done.
func (c *Client) Submit(x *Exchange) {}

// Cancel ends x with the status why.
func (c *Client) Cancel(x *Exchange, why wire.Status) {}

// Consumed tells that the consumer disposed of n body bytes.
func (c *Client) Consumed(x *Exchange, n int) {}

// Close ends everything.
func (c *Client) Close(done func()) {}

// Stats reads the counters.
func (c *Client) Stats() Stats { return Stats{} }
