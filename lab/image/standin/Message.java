package org.wso2.carbon.bootstrap;

import java.io.Serializable;
import java.util.List;

/** What members say to each other. */
record Message(String verb, Peer sender, List<Peer> peers) implements Serializable { }
