// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// Lives as long as it is let live.
contract Heirloom {
    constructor() payable {}

    function end(address payable heir) external {
        selfdestruct(heir);
    }
}

/// Does in one transaction everything that a trace shows.
contract Lab {
    event Noted(uint256 indexed value);

    mapping(uint256 => uint256) public notes;

    function number() external view returns (uint256) {
        return block.number;
    }

    function fail() external pure {
        revert("as asked");
    }

    function run(uint256 value, address payable heir) external payable {
        notes[value] = value;
        emit Noted(value);
        try this.fail() {} catch {}
        Heirloom heirloom = new Heirloom{value: msg.value}();
        heirloom.end(heir);
    }
}
