package org.wso2.carbon.bootstrap;

import java.io.Serializable;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.UUID;

/** One node of the cluster, as the others are told about it. */
record Peer(String uuid, String host, int port, int http, int https, String domain, String subDomain, long since)
    implements Serializable {

    /** The same node as another member: what a merge makes of it. */
    Peer anew() { return new Peer(UUID.randomUUID().toString(), host, port, http, https, domain, subDomain, since); }

    String inHazelcast() { return new InetSocketAddress(host, port).toString(); }

    String inTribes() { return address() + ":" + port + "(" + domain + ")"; }

    String inCarbon() {
        return "Host:" + host + ", Remote Host:null, Port: " + port + ", HTTP:" + http + ", HTTPS:" + https
            + ", Domain: " + domain + ", Sub-domain:" + subDomain + ", Active:true";
    }

    boolean isAt(Peer other) { return port == other.port && address().equals(other.address()); }

    private String address() {
        InetAddress found = new InetSocketAddress(host, port).getAddress();
        return found == null ? host : found.getHostAddress();
    }
}
