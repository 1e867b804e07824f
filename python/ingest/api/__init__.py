"""The API worker: takes events over HTTP and answers once the stream has them."""
