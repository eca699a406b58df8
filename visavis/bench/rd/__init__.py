"""Rate and distortion of face streams and of video codecs, on the same pictures: `visavis bench rd`."""
