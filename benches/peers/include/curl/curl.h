/* Empty: librdkafka 2.12 includes this header also where it is built without curl, and then uses nothing of it. */
